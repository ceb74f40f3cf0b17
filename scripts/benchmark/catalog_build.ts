/** One export in a process of its own, for its memory: prints seconds and peak bytes as JSON. */
import { openInstallation } from '../../ts/config/installation.ts';
import { exportCatalog } from '../../ts/index.ts';

const [root = '', file = ''] = process.argv.slice(2);
const log = { info: () => {}, warn: () => {}, progress: () => {}, signal: new AbortController().signal };
const started = performance.now();
const installation = openInstallation({ root, variables: {}, isSuperUser: false });
const summary = await exportCatalog(installation, { file }, log);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(JSON.stringify({ ...summary, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
