"""Asks for a row of a large table before it is read: memory answers while other rows are summed."""

from typing import Any

from processors.kernels.compiler import COMPILES


def _nothing(table: Any, row: Any) -> None:
    """Kernels that run as Python ask for nothing."""


def _compiled() -> Any:
    """LLVM's prefetch of the first number of a row, for reading, to be kept in all caches."""
    from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
    from numba import config, types
    from numba.core import cgutils
    from numba.extending import intrinsic

    settings: Any = config
    if settings.DISABLE_JIT:
        return _nothing
    tools: Any = cgutils

    def prefetch(context: Any, table: Any, row: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            width = tools.unpack_tuple(builder, array.shape)[1]
            place = builder.gep(array.data, [builder.mul(arguments[1], width)])
            letter, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            function = tools.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [letter, number, number, number]),
                "llvm.prefetch.p0",
            )
            how = [ir.Constant(number, value) for value in (0, 3, 1)]
            builder.call(function, [builder.bitcast(place, letter), *how])
            return context.get_dummy_value()

        return types.void(table, row), generate

    return intrinsic(prefetch)


prefetch: Any = _compiled() if COMPILES else _nothing
"""Takes a table of two dimensions and the number of a row."""
