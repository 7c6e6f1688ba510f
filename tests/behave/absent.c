/* absent.c - a library that is not there when a program needs it. */
#include <stddef.h>

extern __attribute__((visibility("default"))) const size_t absent;
const size_t absent = 1;
