/*
 * contexts.c - contexts of zstd that are used again: to make one takes longer than an input does.
 *
 * Linked with --wrap of these four functions. One of each is kept; a second one at the same time is
 * made, and is freed, as ever.
 */
#include <zstd.h>

static ZSTD_CCtx *compressor;
static ZSTD_DCtx *decompressor;

ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void)
{
	ZSTD_CCtx *context = compressor ? compressor : __real_ZSTD_createCCtx();

	compressor = NULL;
	return context;
}

size_t __real_ZSTD_freeCCtx(ZSTD_CCtx *context);
size_t __wrap_ZSTD_freeCCtx(ZSTD_CCtx *context);
size_t __wrap_ZSTD_freeCCtx(ZSTD_CCtx *context)
{
	if (!context || compressor)
		return __real_ZSTD_freeCCtx(context);
	compressor = context;
	return 0;
}

ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
	ZSTD_DCtx *context = decompressor ? decompressor : __real_ZSTD_createDCtx();

	decompressor = NULL;
	return context;
}

size_t __real_ZSTD_freeDCtx(ZSTD_DCtx *context);
size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx *context);
size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx *context)
{
	if (!context || decompressor)
		return __real_ZSTD_freeDCtx(context);
	decompressor = context;
	return 0;
}
