/* none.c - for machines whose programs are not unwound here; see unwind.h. */
#include <tracer/unwind.h>

#include <errno.h>

int unwinder_new(struct symbols *symbols, struct unwinder **ret)
{
	return -ENOTSUP;
}

void unwinder_free(struct unwinder *unwinder)
{
}

void unwinder_forget(struct unwinder *unwinder)
{
}

int unwind(struct unwinder *unwinder, const struct memory *memory,
		   const struct unwind_registers *from, struct unwind_frame *ret, size_t room,
		   enum unwind_end *ret_end)
{
	return -ENOTSUP;
}

const char *unwinder_end_text(struct unwinder *unwinder, enum unwind_end end)
{
	return unwind_end_text(end);
}
