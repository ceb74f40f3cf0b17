/** One of several processes that change the same inventory and config file: `<root> <name> <count>`. */
import { updateConfig } from '../../ts/config/config_file.ts';
import { openInstallation } from '../../ts/config/installation.ts';
import { poolSection, poolSectionTypes } from '../../ts/config/pool_sections.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { tape } from './tapes.ts';

const [root = '', name = '', count = '0'] = process.argv.slice(2);
const installation = openInstallation({ root, variables: {}, isSuperUser: false });
const inventory = new InventoryFile(installation);
for (let index = 0; index < Number(count); index++) {
  await inventory.update((known) => known.withTape(tape({ tape: `${name}${index}` })));
  await updateConfig(installation, 'media-pool.cfg', poolSectionTypes, (document) =>
    document.add(poolSection, { name: `${name}${index}` }),
  );
}
