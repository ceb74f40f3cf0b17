/** Tapes of a virtual drive, also while somebody uses it. */
import type { TapeSlot } from '../../native.ts';

export async function listSlots(directory: string): Promise<TapeSlot[]> {
  const { listVirtualSlots } = await import('../../native.ts');
  return (await listVirtualSlots(directory)).slots;
}
