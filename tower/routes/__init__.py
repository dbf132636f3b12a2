"""The routes: who asks, what for, and the answer. What they need is in ``tower.application``."""
