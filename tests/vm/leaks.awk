# SPDX-License-Identifier: GPL-2.0-only
#
# Passes on those of kmemleak's reports that have to do with device mapper, or
# with code that is gone by now (an address without a name): a module that was
# unloaded. Others are the kernel's own affair.

function flush_report()
{
	if (concerns_us)
		printf "%s", report
	report = ""
	concerns_us = 0
}

/^unreferenced object/ { flush_report() }
/[ [_](dm_|overlaybd)/ || /^ +0x[0-9a-f]+$/ { concerns_us = 1 }
{ report = report $0 "\n" }
END { flush_report() }
