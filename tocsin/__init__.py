"""What a person starts: the command line, the offline runs, and every service on one machine.

Here live one module a command (``cli``), the pure functions of the stream over files and the index
(``offline``), and the local stacks with their supervisor (``local``). Never imported by another
package; it may import all of them.
"""
