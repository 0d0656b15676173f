// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raw disk images.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "tools/raw.h"

int raw_open(struct raw *raw, const char *path, struct obd_error *err)
{
	int r;

	*raw = (struct raw) { .path = path };
	r = obd_file_open(&raw->dev, path);
	return r ? obd_fail(err, r, "%s: %s", path, obd_file_error(r)) : 0;
}

void raw_close(struct raw *raw)
{
	obd_file_close(&raw->dev);
}

/* Where holes cannot be asked for, as on block devices, there are none. */
u64 raw_next_data(const struct raw *raw, u64 pos, u64 end)
{
	off_t at;

	if (pos >= raw->dev.size)
		return end;
	at = lseek(raw->dev.fd, pos, SEEK_DATA);
	if (at < 0)
		return errno == ENXIO ? end : pos;
	return min((u64)at, end);
}

/*
 * Where the next hole is need not be known: to find it, some file systems look at
 * each page up to there.
 */
int raw_read(const struct raw *raw, u64 pos, void *buf, u64 len,
	     struct obd_error *err)
{
	u64 end = pos + len;
	u64 data = raw_next_data(raw, pos, end);
	u64 stop = max(data, min(end, raw->dev.size));
	struct obd_dev dev = raw->dev;
	u8 *to = buf;
	int r = 0;

	memset(to, 0, data - pos);
	if (data < stop)
		r = obd_dev_read(&dev, data, to + (data - pos),
				 stop - data);
	memset(to + (stop - pos), 0, end - stop);
	return r ? obd_fail(err, r, "%s: cannot read at byte %llu: %s",
			    raw->path, (unsigned long long)data,
			    strerror(-r)) : 0;
}

static int read_source(const void *ctx, u64 pos, void *buf, u64 len,
		       struct obd_error *err)
{
	return raw_read(ctx, pos, buf, len, err);
}

struct source raw_source(const struct raw *raw)
{
	return (struct source) {
		.size = raw->dev.size,
		.ctx = raw,
		.read = read_source,
	};
}
