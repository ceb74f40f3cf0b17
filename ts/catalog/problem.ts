/** A media catalog that a question cannot be answered from. */
export interface CatalogProblem {
  mediaUuid: string;
  labelText: string;
  path: string;
  /** What it is: `missing`, `empty`, `about another tape`. */
  state?: string;
  /** Why it cannot be read, with its path and what to do about it. */
  error?: string;
}

/** What is wrong, and what a person does about it. */
export function problemText({ labelText, path, state, error }: CatalogProblem): string {
  if (error !== undefined) return `the catalog of tape '${labelText}' cannot be used: ${error}`;
  const command = state === 'missing' ? 'catalog' : 'catalog --force';
  return `the catalog of tape '${labelText}' (${path}) is ${state}: load the tape and run 'proxmox-tape ${command}'`;
}
