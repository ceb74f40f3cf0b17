/** Holds the catalog beside the page, so that a search or a hostile file never stops the page. */
import initSqlJs from 'sql.js';
import { Catalog } from '../../catalog/catalog.ts';
import type { SqlJsStatic } from '../../catalog/connection.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkerReply, WorkerRequest } from './service.ts';

let engine: SqlJsStatic | undefined;
let catalog: Catalog | undefined;

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case 'engine':
      engine = await initSqlJs({ wasmBinary: request.wasm });
      return undefined;
    case 'load': {
      if (!engine) throw new Error('there is no engine');
      const opened = Catalog.open(engine, new Uint8Array(request.bytes));
      catalog?.close();
      catalog = opened;
      return undefined;
    }
    case 'ask': {
      if (!catalog) throw new Error('there is no catalog');
      const question = catalog[request.name] as (...parameters: unknown[]) => unknown;
      return question.apply(catalog, request.arguments);
    }
  }
}

self.addEventListener('message', async ({ data }: MessageEvent<WorkerRequest>) => {
  const post = (reply: WorkerReply): void => self.postMessage(reply);
  try {
    post({ id: data.id, ok: true, value: await answer(data) });
  } catch (error) {
    const { code, message } = toFerriteError(error);
    post({ id: data.id, ok: false, code, message });
  }
});
