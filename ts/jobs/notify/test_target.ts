/** A message to see whether a target works. */
import { hostname } from 'node:os';
import type { Installation } from '../../config/installation.ts';
import { targetConfig } from '../../config/notify.ts';
import { deliver } from './deliver.ts';
import { testMessage } from './message.ts';

/** Rejects with what is wrong where the message was not taken. */
export async function testTarget(installation: Installation, name: string): Promise<void> {
  const target = await targetConfig(installation, name);
  await deliver(installation, target, testMessage(name, hostname()));
}
