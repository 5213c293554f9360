// Leaves a .br and a .gz file beside each text file of the build, which the web process sends in its place.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const folder = new URL('dist/browser/', import.meta.url);
for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(css|js|json|svg|txt|webmanifest)$/.test(name)) continue;
  const content = readFileSync(new URL(name, folder));
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } };
  for (const [suffix, compressed] of [['br', brotliCompressSync(content, options)], ['gz', gzipSync(content, { level: 9 })]]) {
    if (compressed.length < content.length) writeFileSync(new URL(`${name}.${suffix}`, folder), compressed);
  }
}
