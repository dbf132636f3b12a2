"""The checks of ``tocsin doctor``: each is a function that returns a sentence or raises one."""
