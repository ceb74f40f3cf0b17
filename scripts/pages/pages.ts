/** The offline pages: each a folder of ts/browser with `main.ts`, `page.html` (what is in its body) and `page.css`. */

/** Binaries that a page carries. */
export type AssetName = 'sql-wasm' | 'ferrite-wasm';

export interface PageDeclaration {
  /** Folder below ts/browser, and name of the file that comes out. */
  name: string;
  title: string;
  assets: readonly AssetName[];
  /** It has a `worker.ts`, which runs beside the page. */
  worker: boolean;
}

export const PAGES: readonly PageDeclaration[] = [
  { name: 'catalog', title: 'Ferrite catalog', assets: ['sql-wasm', 'ferrite-wasm'], worker: true },
  { name: 'paper-key', title: 'Ferrite paper key', assets: ['ferrite-wasm'], worker: false },
];

/** From the checkout. */
export const ASSET_FILES: Record<AssetName, string> = {
  'sql-wasm': 'node_modules/sql.js/dist/sql-wasm-browser.wasm',
  'ferrite-wasm': 'bindings/wasm/ferrite_wasm_bg.wasm',
};
