// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell TurboOCI metadata from other layers.
 */
#include "tools/turbo.h"

int turbo_open_metadata(struct obd_layer *layer, struct obd_dev *dev,
			u64 bytes, struct obd_error *err)
{
	int r = obd_layer_open_headers(layer, dev, bytes, err);

	layer->turbo = true;
	return r ?: obd_layer_load_index(layer, err);
}

/* What makes sense as neither is refused for what is wrong as an ordinary layer. */
int turbo_open(struct obd_layer *layer, struct obd_dev *dev, u64 bytes,
	       struct obd_error *err)
{
	struct obd_error other;
	int r;

	r = obd_layer_open_headers(layer, dev, bytes, err);
	if (r)
		return r;
	r = obd_layer_load_index(layer, err);
	if (r != -EINVAL)
		return r;
	layer->turbo = true;
	if (!obd_layer_load_index(layer, &other))
		return 0;
	obd_layer_drop_index(layer);
	layer->turbo = false;
	return r;
}
