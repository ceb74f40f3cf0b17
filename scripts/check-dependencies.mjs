// Every dependency is permissively licensed and has no install script that is needed: copyleft code never gets in
// unnoticed. Rust from cargo metadata, npm from the installed tree.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Python-2.0',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
]);
/** Weak copyleft that tests run and nobody gets with Ferrite. */
const ONLY_IN_TESTS = new Set(['axe-core']);
/** npm packages whose install script is known, and not needed: the package works without it. */
const INSTALL_SCRIPT_NOT_NEEDED = new Set([]);

/** `A OR (B AND C)`: some alternative must consist of permissive licences only. */
function permissive(expression) {
  const text = expression.replaceAll('/', ' OR ').replaceAll(/[()]/g, ' ');
  return text
    .split(/\s+OR\s+/)
    .some((alternative) => alternative.split(/\s+AND\s+/).every((licence) => PERMISSIVE.has(licence.trim())));
}

const complaints = [];
const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], { maxBuffer: 1 << 28 }),
);
for (const { name, version, license, source } of metadata.packages) {
  if (source !== null && !(license && permissive(license)))
    complaints.push(`crate ${name} ${version}: licence ${license}`);
}
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '' || entry.optional) continue;
  const manifest = `${path}/package.json`;
  if (!existsSync(manifest)) continue;
  const { license, name } = JSON.parse(readFileSync(manifest, 'utf8'));
  const text = typeof license === 'string' ? license : license?.type;
  const tested = entry.dev && ONLY_IN_TESTS.has(name);
  if (!tested && !(text && permissive(text))) complaints.push(`npm ${name}: licence ${text}`);
  if (entry.hasInstallScript && !INSTALL_SCRIPT_NOT_NEEDED.has(name))
    complaints.push(`npm ${name}: has an install script`);
}
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length > 0 ? 1 : 0;
