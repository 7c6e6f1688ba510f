/*
 * crc32c.c - eight bytes at a time, from eight tables.
 *
 * tables[0][b] is what a byte b does to the register; tables[k][b] is what it does when k
 * more zero bytes follow. The checksum is linear, so that the effects of eight bytes are looked up
 * one by one and added (xor):
 *
 *     register xor bytes 0..3   bytes 4..7
 *       |    |    |    |        |   |   |   |
 *      t[7] t[6] t[5] t[4]     t[3] [2] [1] [0]
 *       \____\____\____\___xor__/___/___/___/ ---> register
 */
#include <tracer/crc32c.h>
#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, bits reversed */

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][byte] = crc;
	}
	for (uint32_t byte = 0; byte < 256; byte++)
		for (int k = 1; k < 8; k++)
			tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 255];
}

static uint32_t load(const uint8_t *at)
{
	uint32_t little;

	memcpy(&little, at, sizeof(little));
	return le32toh(little);
}

uint32_t trace_crc32c(uint32_t crc, const void *data, size_t length)
{
	const uint8_t *at = data;

	pthread_once(&tables_once, make_tables);
	crc = ~crc;
	for (; length >= 8; at += 8, length -= 8) {
		uint32_t low = crc ^ load(at), high = load(at + 4);

		crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
			  tables[4][low >> 24] ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
			  tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
	}
	for (; length; at++, length--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
	return ~crc;
}
