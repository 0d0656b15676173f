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

static u64 next_hole(const struct raw *raw, u64 pos, u64 end)
{
	off_t at = lseek(raw->dev.fd, pos, SEEK_HOLE);

	end = min(end, raw->dev.size);
	return at < 0 || (u64)at <= pos ? end : min((u64)at, end);
}

int raw_read(const struct raw *raw, u64 pos, void *buf, u64 len,
	     struct obd_error *err)
{
	struct obd_dev dev = raw->dev;
	u64 end = pos + len;
	u8 *to = buf;
	int r = 0;

	while (!r && pos < end) {
		u64 data = raw_next_data(raw, pos, end);
		u64 stop = data < end ? next_hole(raw, data, end) : end;

		memset(to, 0, data - pos);
		if (data < end)
			r = obd_dev_read(&dev, data, to + (data - pos),
					 stop - data);
		to += stop - pos;
		pos = stop;
	}
	return r ? obd_fail(err, r, "%s: cannot read at byte %llu: %s",
			    raw->path, (unsigned long long)pos, strerror(-r)) :
		   0;
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
