#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verify checks all files of an image, TurboOCI metadata with its target.
# shellcheck source=tests/tools/common
. "$(dirname "$0")/common"

need python3 jq gzip zstd
need_fixtures

# verify_json STATUS FILE...: its results are in $work/out
verify_json()
{
	expect "$1" "$tool" verify --json "${@:2}"
}

# results FILTER: it is true of the results
results()
{
	jq -e "$1" "$work/out" >/dev/null || fail "not $1: $(cat "$work/out")"
}

# copy IMAGE: its files can be changed; the configuration is $work/IMAGE.json
copy()
{
	rm -rf "${work:?}/$1"
	cp -rL "$fixtures/$1" "$work/" || fail "cannot copy $1"
	chmod -R u+w "$work/$1"
	sed "s|@DIR@/\.\.|$fixtures|; s|@DIR@|$work/$1|g" \
		"$work/$1/config.json" >"$work/$1.json"
}

# What the reference made; all there is to a file is said, one after the other.
for image in "${turbo_images[@]}" "${readonly_images[@]}"; do
	verify_json 0 "$(config "$image")"
	results 'map(.valid) | all and length > 0'
done
verify_json 0 "$(config turbo-mixed)" "$(config turbo-tar)"
results 'map(.file | split("/")[-1]) == ["layer0.lz4-4k.tar", "ext4.fs.meta",
	"layer.tgz", "ext4.fs.meta", "layer.tar"]'
results 'map(.algorithm) == ["lz4", "zstd", "gzip", "lz4", "none"]'
results 'map(.target_checked) == [false, true, null, true, null]'
results '.[1].target_entries > 200 and .[0].target_entries == 0'
expect 0 "$tool" verify "$(config turbo-tar)"
says 'layer.tar: valid, plain: holds no checksums'
says '225 index entries, 181 of them with data in the target'
grep -q 'not looked at' "$work/out" && fail 'the target was not looked at'

# Metadata alone
for image in "${turbo_images[@]}"; do
	expect 0 "$tool" verify "$fixtures/$image/ext4.fs.meta"
	says 'with data in the target, which was not looked at'
	verify_json 0 "$fixtures/$image/ext4.fs.meta"
	results '.[0] | .target_entries > 0 and (.target_checked | not)'
done
for image in merged merged-plain; do
	verify_json 0 "$(config $image)"
	results 'map(.target_entries == 0) | all'
done
config_of "$fixtures/turbo-tar/ext4.fs.meta" >"$work/alone.json"
expect 3 "$tool" verify "$work/alone.json"
says 'index entry 3: moffset 3, '

# An archive that is compressed, and nothing says so
printf '{ "lowers": [ { "file": "%s", "targetFile": "%s" } ] }\n' \
	"$fixtures/turbo-gz/ext4.fs.meta" "$fixtures/turbo-gz/layer.tgz" \
	>"$work/unnamed.json"
for command in verify table; do
	expect 3 "$tool" $command "$work/unnamed.json"
	says 'is a gzip file: name its "gzipIndex"'
done
zstd -q "$fixtures/turbo-tar/layer.tar" -o "$work/layer.zst"
sed "s|$fixtures/turbo-gz/layer.tgz|$work/layer.zst|" "$work/unnamed.json" \
	>"$work/zstd.json"
expect 3 "$tool" export "$work/zstd.json" "$work/zstd.raw"
says 'layer.zst): is compressed by zstd, expected gzip or no compression'
cp "$fixtures/turbo-gz-64k/ext4.fs.meta" "$work/meta"
chmod u+w "$work/meta"
index=$("$tool" dump --json "$work/meta" | jq .lsmt_trailer.index_offset)
flip "$work/meta" $((index + 5))
expect 3 "$tool" verify "$work/meta"

# Every file has its say, whatever the others are.
copy turbo-mixed
flip "$work/turbo-mixed/ext4.fs.meta" 5000
flip "$work/turbo-mixed/layer.tgz" 100000
verify_json 3 "$work/turbo-mixed.json" "$fixtures/turbo-tar/layer.tar"
results 'map(.valid) == [true, false, false, false]'
results '.[1].bad_blocks == 1 and (.[2].errors | length) > 0'
jq '.lowers |= reverse' "$work/turbo-mixed.json" >"$work/reverse.json"
verify_json 3 "$work/reverse.json"
results 'map(.valid) == [false, false, true]'
copy turbo-gz
flip "$work/turbo-gz/gzip.meta" 1000 60000
expect 3 "$tool" verify "$work/turbo-gz.json"
says "$work/turbo-gz/layer.tgz: access point 1: its window"
says "$work/turbo-gz/layer.tgz: access point 4: its window"
says "$work/turbo-gz/ext4.fs.meta: valid"
flip "$work/turbo-gz/gzip.meta" 20
expect 3 "$tool" verify "$work/turbo-gz.json"
says "layer.tgz: gzip index: CRC of the header"
says 'ext4.fs.meta: valid'
says 'with data in the target, which was not looked at'
rm "$work/turbo-gz/gzip.meta"
expect 1 "$tool" verify "$work/turbo-gz.json"
says 'layer.tgz: COULD NOT BE CHECKED'
rm "$work/turbo-gz/layer.tgz"
expect 1 "$tool" verify "$work/turbo-gz.json"
says 'layer.tgz: cannot open it'

# The target has less than the metadata says: all of it, but for one sector.
copy turbo-tar
end=$("$tool" dump --json "$work/turbo-tar/ext4.fs.meta" | jq .index.target_end)
truncate -s $((end * 512)) "$work/turbo-tar/layer.tar"
expect 0 "$tool" verify "$work/turbo-tar.json"
truncate -s $((end * 512 - 512)) "$work/turbo-tar/layer.tar"
expect 3 "$tool" verify "$work/turbo-tar.json"
says 'ext4.fs.meta: INVALID'
says "expected within the target's $((end - 1)) sectors"
says 'layer.tar: valid'

# An upper is one of the files, a configuration may be wrong itself.
copy turbo-tar
"$tool" create-upper --size 64M "$work/data" "$work/index" >/dev/null ||
	fail 'create-upper'
jq --arg dir "$work" '.upper = { data: ($dir + "/data"), index: ($dir + "/index") }' \
	"$work/turbo-tar.json" >"$work/upper.json"
verify_json 0 "$work/upper.json"
results 'length == 3 and (.[2].file | test("/data$"))'
truncate -s 100 "$work/index"
verify_json 3 "$work/upper.json"
results 'map(.valid) == [true, true, false]'
echo ' { "lowers": 1 }' >"$work/bad.json"
expect 3 "$tool" verify "$work/bad.json"
says bad.json
