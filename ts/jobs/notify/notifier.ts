/**
 * Tells people about one job: what it asks of the operator, and how it ended. All enabled `notify:` targets of ferrite.cfg
 * are told; a job in the mode `legacy-sendmail` also writes to its `notify-user` by the local sendmail, as PBS does (D19).
 * What cannot be delivered is a warning of the task, and never a failure of the job.
 */
import { hostname } from 'node:os';
import type { Installation } from '../../config/installation.ts';
import { listTargets, mailAddressOf } from '../../config/notify.ts';
import type { NotifyTarget } from '../../config/notify_sections.ts';
import { toFerriteError } from '../../errors.ts';
import { type Operator, type OperatorRequest, pauseOnTimer } from '../../library/operator.ts';
import type { WorkLog } from '../../log.ts';
import { type JobContext, type JobResult, type Message, requestMessage, resultMessage } from './message.ts';

export interface NotifyOptions {
  readonly job: Omit<JobContext, 'hostname'>;
  /** `name@realm`; `root@pam` where not given, and then nobody misses an address. */
  readonly notifyUser?: string | undefined;
  readonly mode?: 'legacy-sendmail' | 'notification-system' | undefined;
}

const DEFAULT_USER = 'root@pam';

export class Notifier {
  readonly #installation: Installation;
  readonly #options: NotifyOptions;
  readonly #job: JobContext;
  readonly #deliveries: Promise<void>[] = [];
  #saidNoAddress = false;

  constructor(installation: Installation, options: NotifyOptions) {
    this.#installation = installation;
    this.#options = options;
    this.#job = { ...options.job, hostname: hostname() };
  }

  /** An operator who is asked through this notifier. */
  operator(options: Pick<Operator, 'waits' | 'howToStop'>): Operator {
    return { ...options, ask: (request, log) => this.ask(request, log), pause: pauseOnTimer };
  }

  ask(request: OperatorRequest, log: WorkLog): void {
    this.#deliveries.push(this.#tell(requestMessage(request, this.#job), log));
  }

  /** Resolves when everything that was asked has got through or was warned of. */
  async settled(): Promise<void> {
    await Promise.all(this.#deliveries);
  }

  /** As `settled`, for the result and all before it. */
  async result(result: JobResult, log: WorkLog): Promise<void> {
    await this.settled();
    await this.#tell(resultMessage(result, this.#job), log);
  }

  async #tell(message: Message, log: WorkLog): Promise<void> {
    try {
      const targets = await this.#targets(log);
      const listening = targets.filter(({ event }) => event === undefined || event.includes(message.event));
      if (listening.length === 0) return;
      const { deliver } = await import('./deliver.ts');
      const send = (target: NotifyTarget) =>
        deliver(this.#installation, target, message).catch((error) => log.warn(toFerriteError(error).message));
      await Promise.all(listening.map(send));
    } catch (error) {
      log.warn(`nobody was told '${message.title}': ${toFerriteError(error).message}`);
    }
  }

  async #targets(log: WorkLog): Promise<NotifyTarget[]> {
    const targets = (await listTargets(this.#installation)).filter(({ disable }) => !disable);
    const { notifyUser, mode } = this.#options;
    if (mode === 'notification-system') return targets;
    const address = await mailAddressOf(this.#installation, notifyUser ?? DEFAULT_USER);
    if (address !== undefined) {
      return [...targets, { name: `mail to ${notifyUser ?? DEFAULT_USER}`, type: 'sendmail', to: [address] }];
    }
    if (notifyUser !== undefined && !this.#saidNoAddress) {
      this.#saidNoAddress = true;
      log.warn(
        `no mail address of '${notifyUser}' is known: set one with 'proxmox-tape notification address ${notifyUser} <address>'`,
      );
    }
    return targets;
  }
}
