// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC-32C by the processor's instruction, for User Mode Linux: x86 kernels have
 * it, but User Mode Linux has a table only, which takes as long as to
 * decompress LZ4. The instruction needs no registers but the general ones.
 * To be loaded before libcrc32c, which stays with what it finds.
 */
#include <linux/module.h>
#include <linux/unaligned.h>

#include <crypto/internal/hash.h>

#define CPUID_1_ECX_SSE42	BIT(20)

static bool has_instruction(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	asm("cpuid" : "+a" (eax), "=b" (ebx), "+c" (ecx), "=d" (edx));
	return ecx & CPUID_1_ECX_SSE42;
}

static int crc_init(struct shash_desc *desc)
{
	u32 *crc = shash_desc_ctx(desc);

	*crc = ~0U;
	return 0;
}

static int crc_update(struct shash_desc *desc, const u8 *data, unsigned int len)
{
	u32 *crc = shash_desc_ctx(desc);
	u64 sum = *crc;

	for (; len >= sizeof(u64); data += sizeof(u64), len -= sizeof(u64))
		asm("crc32q %1, %0" : "+r" (sum)
				    : "rm" (get_unaligned((const u64 *)data)));
	while (len--)
		asm("crc32b %1, %k0" : "+r" (sum) : "rm" (*data++));
	*crc = sum;
	return 0;
}

static int crc_final(struct shash_desc *desc, u8 *out)
{
	u32 *crc = shash_desc_ctx(desc);

	put_unaligned_le32(~*crc, out);
	return 0;
}

static struct shash_alg crc_alg = {
	.init = crc_init,
	.update = crc_update,
	.final = crc_final,
	.descsize = sizeof(u32),
	.digestsize = sizeof(u32),
	.base = {
		.cra_name = "crc32c",
		.cra_driver_name = "crc32c-bench",
		.cra_priority = 200,
		.cra_blocksize = 1,
		.cra_module = THIS_MODULE,
	},
};

static int __init bench_init(void)
{
	return has_instruction() ? crypto_register_shash(&crc_alg) : -ENODEV;
}

static void __exit bench_exit(void)
{
	crypto_unregister_shash(&crc_alg);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("CRC-32C by an instruction, for benchmarks");
