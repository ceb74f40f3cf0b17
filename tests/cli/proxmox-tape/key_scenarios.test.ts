/** The scenarios of keys (behaviour.md 21), each run as commands on an emulated library. */
import test from 'ava';
import { EncryptedSite } from '../../jobs/encrypted_site.ts';
import { readVectors } from '../../vectors.ts';

interface Row {
  id: string;
  title: string;
  tapes?: 'unchanged';
  steps: { run: string; input?: string; code?: number; says?: string[]; omits?: string[] }[];
}

let site: EncryptedSite;

test.before(async () => {
  site = await EncryptedSite.make();
});
test.after.always(() => site?.remove());

for (const row of readVectors<Row>('scenarios/21-keys.json')) {
  test.serial(`${row.id} keys: ${row.title}`, async (t) => {
    site.reset();
    const tapes = () => ['FER001L8', 'FER002L8', 'FER003L8'].map((barcode) => site.cartridge(barcode));
    const before = tapes();
    for (const { run, input, code = 0, says = [], omits = [] } of row.steps) {
      const outcome = await site.run(run, input);
      const said = outcome.stdout + outcome.stderr;
      t.is(outcome.code, code, `${run}\n${said}`);
      for (const pattern of says) t.regex(said, new RegExp(site.named(pattern), 'm'), run);
      for (const pattern of omits) t.notRegex(said, new RegExp(site.named(pattern), 'm'), run);
    }
    if (row.tapes) t.true(tapes().every((content, index) => content.equals(before[index] ?? Buffer.alloc(0))));
  });
}
