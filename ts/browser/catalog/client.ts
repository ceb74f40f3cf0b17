/** The page's end of its worker. */
import { checkSize } from '../../catalog/connection.ts';
import { FerriteError } from '../../errors.ts';
import { embeddedBytes } from '../shared/embedded.ts';
import type { Answer, QuestionArguments, QuestionName, WorkerReply, WorkerRequest } from './service.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

export class CatalogClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerReply>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.ok) waiting?.resolve(data.value);
      else waiting?.reject(new FerriteError('data', data.code, data.message));
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      for (const { reject } of this.#waiting.values()) reject(new FerriteError('system', 'worker', event.message));
      this.#waiting.clear();
    });
  }

  static async start(): Promise<CatalogClient> {
    const [code, wasm] = await Promise.all([embeddedBytes('worker'), embeddedBytes('sql-wasm')]);
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const client = new CatalogClient(new Worker(url, { name: 'catalog' }));
    URL.revokeObjectURL(url);
    await client.#send({ kind: 'engine', wasm: wasm.buffer }, [wasm.buffer]);
    return client;
  }

  /** A file that is too large is refused before it is read. */
  async open(file: Blob | Uint8Array<ArrayBuffer>): Promise<void> {
    if (file instanceof Blob) checkSize(file.size);
    const bytes = file instanceof Blob ? await file.arrayBuffer() : file.buffer;
    await this.#send({ kind: 'load', bytes }, [bytes]);
  }

  async ask<Name extends QuestionName>(name: Name, ...parameters: QuestionArguments<Name>): Promise<Answer<Name>> {
    return (await this.#send({ kind: 'ask', name, arguments: parameters })) as Answer<Name>;
  }

  #send(request: Unnumbered<WorkerRequest>, transfer: Transferable[] = []): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...request }, transfer);
    });
  }

  stop(): void {
    this.#worker.terminate();
  }
}
