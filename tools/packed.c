// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell compressed files by their first bytes.
 */
#include "tools/packed.h"

#define GZIP_MAGIC	"\x1f\x8b\x08"	/* the method is part of it */
#define ZSTD_MAGIC	"\x28\xb5\x2f\xfd"

bool packed_by_zstd(const void *first)
{
	return !memcmp(first, ZSTD_MAGIC, strlen(ZSTD_MAGIC));
}

int packed_refuse(struct obd_dev *dev, struct obd_error *err)
{
	u8 first[PACKED_MAGIC_SIZE];
	int r;

	if (dev->size < sizeof(first))
		return 0;
	r = obd_dev_read(dev, 0, first, sizeof(first));
	if (r)
		return obd_fail(err, r, "cannot read the first bytes: %s",
				strerror(-r));
	if (!memcmp(first, GZIP_MAGIC, strlen(GZIP_MAGIC)))
		return obd_fail(err, -EINVAL,
				"is a gzip file: name its \"gzipIndex\", as overlaybdsetup gzindex makes it");
	if (packed_by_zstd(first))
		return obd_fail(err, -EINVAL,
				"is compressed by zstd, expected gzip or no compression");
	return 0;
}
