#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
/*
 * fuzz.h - what a target is: a function that takes any bytes, and returns 0.
 *
 * What must not happen ends the process: a crash, a sanitizer's report, abort(), a hang. libFuzzer
 * calls it (meson setup -Dfuzz=true, with clang), and so does regress.c, with the inputs of corpus/.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
