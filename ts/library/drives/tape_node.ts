/** Whether a path leads to a node of Linux's tape driver, /dev/nst0 and the like, or to the device's generic node. */
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';

const TAPE_NODE = /^n?st[0-9]+[alm]?$/;

/** Name of the node behind a path, through links; the path's own where nothing is there. */
async function nodeName(path: string): Promise<string> {
  return basename(await realpath(path).catch(() => path));
}

export async function isTapeNode(path: string): Promise<boolean> {
  return TAPE_NODE.test(await nodeName(path));
}

/** One that rewinds the tape when it is closed. */
export async function isRewindingNode(path: string): Promise<boolean> {
  const name = await nodeName(path);
  return TAPE_NODE.test(name) && name.startsWith('st');
}
