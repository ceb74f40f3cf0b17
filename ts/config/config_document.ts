/** A section config file in memory: read, changed by section, printed. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { FerriteError } from '../errors.ts';
import { parseSections, printSections } from './section_config.ts';
import {
  type ConfigNotice,
  checkSection,
  readSection,
  type Section,
  type SectionOf,
  type SectionType,
  writeSection,
} from './section_types.ts';

export class ConfigDocument {
  /** SHA-256 of the bytes read, in hex: what `--digest` is compared with. */
  readonly digest: string;
  readonly notices: readonly ConfigNotice[];
  private readonly file: string;
  private readonly types: readonly SectionType[];
  private sections: Section[];
  private changed = false;

  /** `file` is what errors call it. Throws `bad-config` with file and line. */
  constructor(bytes: Uint8Array, file: string, types: readonly SectionType[]) {
    this.file = file;
    this.types = types;
    this.digest = createHash('sha256').update(bytes).digest('hex');
    const notices: ConfigNotice[] = [];
    this.sections = parseSections(decode(bytes, file), file).map((text) => readSection(text, types, file, notices));
    const lines = new Map<string, number>();
    for (const section of this.sections) {
      const { id, line } = section;
      const earlier = lines.get(this.keyOf(section));
      if (earlier !== undefined) {
        notices.push({ line, message: `section '${id}' exists already in line ${earlier}: this one counts` });
      }
      lines.set(this.keyOf(section), line);
    }
    this.notices = notices;
  }

  /** Whether printing would give anything but what was read, apart from its form. */
  get isChanged(): boolean {
    return this.changed;
  }

  /** The sections of one type in the order of the file; of several with one id the last. */
  list<Type extends SectionType>(type: Type): SectionOf<Type>[] {
    return this.valid()
      .filter((section) => section.type === type.type && section.value)
      .map((section) => section.value as SectionOf<Type>);
  }

  /** The section with this id, whatever its type; of a type whose names are its own, `type` has to be given. */
  find(id: string, type?: SectionType): Section | undefined {
    return this.sections[this.lastIndexOf(id, type)];
  }

  get<Type extends SectionType>(type: Type, id: string): SectionOf<Type> | undefined {
    const section = this.find(id, type);
    return section?.type === type.type ? (section.value as SectionOf<Type>) : undefined;
  }

  /** The properties of a section that the schema does not know. */
  unknownProperties(id: string, type?: SectionType): ReadonlyArray<readonly [string, string]> {
    return this.find(id, type)?.rest.map(({ key, value }) => [key, value] as const) ?? [];
  }

  add<Type extends SectionType>(type: Type, value: SectionOf<Type>): void {
    const properties = checkSection(type, value as Record<string, unknown>) as Record<string, unknown>;
    const id = String(properties[type.idProperty]);
    const existing = this.find(id, type);
    if (existing) {
      const message = `'${id}' exists already (${existing.type} in ${this.file}): choose another name or update it`;
      throw new FerriteError('usage', 'already-exists', message);
    }
    this.sections.push({ type: type.type, id, line: 0, value: properties, rest: [] });
    this.changed = true;
  }

  /** The new properties of an existing section; those that the schema does not know stay. */
  replace<Type extends SectionType>(type: Type, value: SectionOf<Type>): void {
    const properties = checkSection(type, value as Record<string, unknown>) as Record<string, unknown>;
    const index = this.indexOf(String(properties[type.idProperty]), type);
    const before = this.sections[index] as Section;
    if (isDeepStrictEqual(before.value, properties)) return;
    this.sections[index] = { ...before, value: properties };
    this.changed = true;
  }

  /** Removes every section with this id, also shadowed ones. */
  remove(id: string, type?: SectionType): void {
    const key = this.keyOf(this.sections[this.indexOf(id, type)] as Section);
    this.sections = this.sections.filter((section) => this.keyOf(section) !== key);
    this.changed = true;
  }

  /** The whole file. Throws when a value does not fit its schema or an id exists twice. */
  print(): string {
    return printSections(
      this.sections.map((section) => writeSection(section, this.types)),
      this.file,
      (section) => this.keyOf(section),
    );
  }

  private valid(): Section[] {
    const last = new Map(this.sections.map((section) => [this.keyOf(section), section]));
    return this.sections.filter((section) => last.get(this.keyOf(section)) === section);
  }

  /** What only one section of the file may be called. */
  private keyOf({ type, id }: { type: string; id: string }): string {
    return this.types.some((known) => known.type === type && known.ownNames) ? `${type}: ${id}` : id;
  }

  private lastIndexOf(id: string, type: SectionType | undefined): number {
    const key = type ? this.keyOf({ type: type.type, id }) : id;
    return this.sections.findLastIndex((section) => this.keyOf(section) === key);
  }

  private indexOf(id: string, type: SectionType | undefined): number {
    const index = this.lastIndexOf(id, type);
    if (index < 0) throw new FerriteError('usage', 'not-found', `'${id}' does not exist in ${this.file}`);
    return index;
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FerriteError('data', 'bad-config', `${file} is not UTF-8 text`, { cause: error });
  }
}
