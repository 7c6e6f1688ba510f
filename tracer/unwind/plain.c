/* plain.c - call frame information as libunwind reads it; see plain.h. */
#include "plain.h"

#include <dwarf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLE = 8,
	HEADS = 128,        /* most that a CIE and an FDE take besides their programs */
	RETURN_ADDRESS = 16 /* the register */
};

static void put(struct plain *plain, const void *bytes, size_t length)
{
	if (length > 0)
		memcpy(plain->bytes + plain->length, bytes, length);
	plain->length += length;
}

static void put8(struct plain *plain, uint8_t value)
{
	plain->bytes[plain->length++] = value;
}

static void put32(struct plain *plain, uint32_t value)
{
	value = htole32(value);
	put(plain, &value, sizeof value);
}

static void put64(struct plain *plain, uint64_t value)
{
	value = htole64(value);
	put(plain, &value, sizeof value);
}

static void put_uleb128(struct plain *plain, uint64_t value)
{
	while (value >= 0x80) {
		put8(plain, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	put8(plain, (uint8_t)value);
}

static void put_sleb128(struct plain *plain, int64_t value)
{
	while (value < -64 || value > 63) {
		put8(plain, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	put8(plain, (uint8_t)(value & 0x7f));
}

/* Begins an entry: its length is not known yet. */
static size_t open_entry(struct plain *plain)
{
	put32(plain, 0);
	return plain->length;
}

static void close_entry(struct plain *plain, size_t start)
{
	uint32_t length;

	while (plain->length % 8 != 0)
		put8(plain, DW_CFA_nop);
	length = htole32((uint32_t)(plain->length - start));
	memcpy(plain->bytes + start - sizeof length, &length, sizeof length);
}

static int reserve(struct plain *plain, size_t length)
{
	size_t room = plain->room ? plain->room : 1 << 16;
	uint8_t *bytes;

	if (plain->length + length > PLAIN_MOST)
		return -ENOSPC;
	while (room < plain->length + length)
		room *= 2;
	if (room == plain->room)
		return 0;
	bytes = realloc(plain->bytes, room);
	if (!bytes)
		return -ENOMEM;
	plain->bytes = bytes;
	plain->room = room;
	return 0;
}

int plain_add(struct plain *plain, const struct cfi_entry *entry, uint64_t bias,
			  uint32_t *ret_offset)
{
	static const char letters[] = "zR", letters_of_signal_frame[] = "zRS";
	size_t cie, fde;
	int result = reserve(plain, TABLE + HEADS + entry->initial_length + entry->program_length);

	if (result < 0)
		return result;
	if (plain->length == 0)
		put64(plain, 0);

	cie = open_entry(plain);
	put32(plain, 0); /* it is a CIE */
	put8(plain, 1);  /* version */
	if (entry->signal_frame)
		put(plain, letters_of_signal_frame, sizeof letters_of_signal_frame);
	else
		put(plain, letters, sizeof letters);
	put_uleb128(plain, entry->code_align);
	put_sleb128(plain, entry->data_align);
	put8(plain, RETURN_ADDRESS);
	put_uleb128(plain, 1);
	put8(plain, DW_EH_PE_udata8);
	put(plain, entry->initial, entry->initial_length);
	close_entry(plain, cie);

	fde = open_entry(plain);
	put32(plain, (uint32_t)(fde - (cie - 4))); /* from here back to the CIE */
	put64(plain, entry->start + bias);
	put64(plain, entry->end - entry->start);
	put_uleb128(plain, 0);
	put(plain, entry->program, entry->program_length);
	close_entry(plain, fde);
	*ret_offset = (uint32_t)(fde - 4);
	return 0;
}

void plain_select(struct plain *plain, uint32_t offset)
{
	uint32_t row[2] = {htole32((uint32_t)INT32_MIN), htole32(offset)};

	memcpy(plain->bytes, row, sizeof row);
}

void plain_done(struct plain *plain)
{
	free(plain->bytes);
	*plain = (struct plain){0};
}
