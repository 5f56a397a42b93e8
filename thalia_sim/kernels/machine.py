"""Instructions that Numba does not offer: prefetch, an atomic counter, giving way (of which the meeting point of workers is made), and calling a
compiled kernel by the address in an array."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from .jit import jit

sched_yield = types.ExternalFunction("sched_yield", types.int32())
SPINS = 4000  # looks at the counter before a waiting worker begins to give way


@intrinsic
def prefetch(typingctx, array, index):
    """Ask for the cache line of array[index]."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def function_value(context, builder, kind, address):
    """A first-class function of type `kind` at an address."""
    made = cgutils.create_struct_proxy(kind)(context, builder)
    made.c_addr = builder.inttoptr(address, made.c_addr.type)
    made.py_addr = cgutils.get_null_value(made.py_addr.type)
    made.jit_addr = cgutils.get_null_value(made.jit_addr.type)
    return made._getvalue()


def array_at(kind):
    """An intrinsic: the array of `kind` with n elements at an address. Whoever calls it keeps the memory alive."""

    @intrinsic
    def view(typingctx, address, n):
        array = types.Array(kind, 1, "C")

        def generate(context, builder, signature, args):
            made = context.make_array(array)(context, builder)
            size = context.get_constant(types.intp, kind.bitwidth // 8)
            data = builder.inttoptr(args[0], made.data.type)
            populate_array(made, data=data, shape=[args[1]], strides=[size], itemsize=size, meminfo=None)
            return made._getvalue()

        return array(types.int64, types.int64), generate

    return view


doubles, singles, ints, longs = (array_at(kind) for kind in (types.float64, types.float32, types.int32, types.int64))


@intrinsic
def borrow(typingctx, arrays):
    """The same tuple of arrays without their owners, so that passing them on counts no references (two atomic operations for each array).

    Whoever calls the function keeps them alive.
    """

    def generate(context, builder, signature, args):
        kind = signature.args[0]
        made = args[0]
        for k, member in enumerate(kind.types):
            array = context.make_array(member)(context, builder, builder.extract_value(args[0], k))
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            array.parent = cgutils.get_null_value(array.parent.type)
            made = builder.insert_value(made, array._getvalue(), k)
        return made

    return arrays(arrays), generate


@intrinsic
def _add(typingctx, cell, value):
    """Add value to cell[0] (int64 array) in one piece; returns what was there."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", data, args[1], "seq_cst")

    return types.int64(cell, types.int64), generate


@intrinsic
def _look(typingctx, cell):
    """cell[0] (int64 array) as other threads see it now."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(data, "acquire", 8)

    return types.int64(cell), generate


@jit
def meet(cell, workers):
    """Return when all workers have come here as often as this one. cell[0] only counts up: arrivals of all workers so far."""
    if workers == 1:
        return
    arrived = _add(cell, 1)
    goal = (arrived // workers + 1) * workers
    looks = 0
    while _look(cell) < goal:
        looks += 1
        if looks > SPINS:
            sched_yield()
