/* evaluate.c - expressions of C. */
#include "value.h"

#include <errno.h>

int locals_evaluate(struct locals_view *view, const char *expression,
					const struct locals_value **ret, struct locals_mistake *ret_mistake)
{
	return -EINVAL;
}
