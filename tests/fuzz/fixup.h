/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mutate blobs so that the parsers get past their checksums: field by field
 * where the structures lie, and all CRCs made right again afterwards.
 */
#ifndef FUZZ_FIXUP_H
#define FUZZ_FIXUP_H

#include "tests/unit/blob-builder.h"

/* Of libFuzzer. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Abort, for libFuzzer to report the input, unless @condition holds. */
#define fuzz_assert(condition) \
	do { if (!(condition)) __builtin_trap(); } while (0)

/**
 * fixup_blob - make right the checksums of a blob's tar and ZFile structures
 * @data: the blob, whatever it is by now
 * @size: bytes
 *
 * The tar header's checksum; the block CRCs, jump table CRC and digest of a
 * ZFile as far as its fields make sense.
 */
void fixup_blob(u8 *data, size_t size);

/**
 * mutate_blob - change a blob a little and fix it up
 * @data: the blob
 * @size: bytes
 * @max_size: that there is room for
 * @seed: of the choice
 *
 * One mutation in sixteen is left with the checksums it has.
 *
 * Return: the new size.
 */
size_t mutate_blob(u8 *data, size_t size, size_t max_size, u32 seed);

/**
 * fuzz_device - a device of bytes, the same memory file each time
 * @data: the bytes
 * @size: how many; the device's size
 *
 * Return: valid until the next call.
 */
struct obd_dev *fuzz_device(const u8 *data, size_t size);

/**
 * fuzz_seed - begin with a blob where there is no input
 * @out: where to
 * @max_size: room there
 * @blob: built; released
 *
 * Return: its size, or 0 if there is no room.
 */
size_t fuzz_seed(u8 *out, size_t max_size, struct buffer *blob);

#endif
