// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tar wrapper: a window never passes the archive, and records are read
 * within their memory.
 */
#include "dm-overlaybd-tar.h"
#include "tests/fuzz/fixup.h"

/* Sizes are text: write one that about reaches the archive's end. */
static void mutate_size(u8 *data, size_t size, u32 seed)
{
	size_t at = seed & 1 ? 0 : 2 * TAR_BLOCK_SIZE;
	struct tar_header *tar = (struct tar_header *)(data + at);
	u64 value = size - at - TAR_BLOCK_SIZE + (seed >> 1) % 5 - 2;
	char text[24];

	if (size < at + TAR_BLOCK_SIZE)
		return;
	snprintf(text, sizeof(text), "%011llo", (unsigned long long)value);
	memcpy(tar->size, text, sizeof(tar->size));
	fixup_blob(data, size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct buffer blob = {}, plain = {};

	if (size >= TAR_BLOCK_SIZE) {
		size = mutate_blob(data, size, max_size, seed);
		if (seed % 16 == 7)
			mutate_size(data, size, seed >> 4);
		return size;
	}
	buffer_add_zeros(&plain, 512 + seed % 1000);
	build_tar(&blob, &plain, seed & 1024 ? TAR_PAX : TAR_USTAR);
	buffer_release(&plain);
	return fuzz_seed(data, max_size, &blob);
}

static void check_records(const u8 *data, u32 len)
{
	char *records = malloc(len + !len);
	struct obd_error err = {};
	u64 size = 0;
	int r;

	fuzz_assert(records);
	memcpy(records, data, len);
	r = obd_tar_pax_size(records, len, &size, &err);
	fuzz_assert(r ? r < 0 && err.text[0] : !err.text[0]);
	free(records);
}

static void check_window(const u8 *data, size_t dev_size, size_t bytes)
{
	struct obd_error err = {};
	struct obd_blob blob;
	int r;

	r = obd_blob_open(&blob, fuzz_device(data, dev_size), bytes, &err);
	fuzz_assert(!r || (r < 0 && err.text[0]));
	if (!r) {
		fuzz_assert(blob.start % TAR_BLOCK_SIZE == 0);
		fuzz_assert(blob.start <= bytes);
		fuzz_assert(blob.size && blob.size <= bytes - blob.start);
	}
	obd_blob_release(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > TAR_BLOCK_SIZE)
		check_records(data + TAR_BLOCK_SIZE, strnlen((const char *)
			      data + TAR_BLOCK_SIZE,
			      min(size - TAR_BLOCK_SIZE, (size_t)4096)));
	check_window(data, size, size);
	check_window(data, round_down(size, OBD_SECTOR_SIZE), size);
	return 0;
}
