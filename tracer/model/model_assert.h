#ifndef TRACER_MODEL_MODEL_ASSERT_H
#define TRACER_MODEL_MODEL_ASSERT_H
/*
 * model_assert.h - what must hold inside the model, whatever the events say: on in all
 * builds. Nothing that comes from a trace is asserted.
 */
#define model_assert(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
