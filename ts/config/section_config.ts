/**
 * The text of section config files (spec/config-and-time.md 1): sections with a type, an id and lines of properties. This
 * module knows the grammar only; section_types.ts knows what the properties mean.
 */
import { FerriteError } from '../errors.ts';

export interface PropertyLine {
  key: string;
  value: string;
  /** 1-based; 0 for a line that is not in the file yet. */
  line: number;
}

export interface SectionText {
  type: string;
  id: string;
  line: number;
  properties: PropertyLine[];
}

/** An error in a config file, with its place. */
export function configError(file: string, line: number, problem: string): FerriteError {
  return new FerriteError('data', 'bad-config', `${file}:${line}: ${problem}`);
}

const CONTROL_CHARACTERS = /\p{Cc}/u;

/** `file` is what errors call it. Duplicate ids are left to the caller. */
export function parseSections(text: string, file: string): SectionText[] {
  const sections: SectionText[] = [];
  let current: SectionText | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = raw.replace(/\r$/, '');
    if (content.trim() === '') {
      current = undefined;
    } else if (current) {
      current.properties.push(parseProperty(content, file, line));
    } else {
      current = parseHeader(content, file, line);
      sections.push(current);
    }
  }
  return sections;
}

function parseHeader(content: string, file: string, line: number): SectionText {
  const [, type, id] = /^(\p{L}[^:]*):(.*)$/su.exec(content) ?? [];
  if (type === undefined || id === undefined) {
    throw configError(file, line, `expected a section header 'type: name'${headerHint(content)}`);
  }
  return { type: type.trim(), id: id.trim(), line, properties: [] };
}

function headerHint(content: string): string {
  if (content.trimStart().startsWith('#')) return ' (this file format has no comments)';
  return /^\s/.test(content) ? ' (no blank line may stand between a section header and its properties)' : '';
}

function parseProperty(content: string, file: string, line: number): PropertyLine {
  if (!/^\s/.test(content)) {
    throw configError(file, line, `expected an indented property${propertyHint(content)}`);
  }
  const [, key, value] = /^\s+(\S+)\s(.*)$/s.exec(content) ?? [];
  if (key === undefined || value === undefined) {
    throw configError(file, line, `property '${content.trim()}' has no value (a blank after the name makes it empty)`);
  }
  return { key, value: value.trim(), line };
}

function propertyHint(content: string): string {
  if (content.startsWith('#')) return ' (this file format has no comments)';
  return content.includes(':') ? ' (a blank line must stand before the next section header)' : '';
}

/**
 * Properties sorted by name; lines of the same name keep their order. Refuses what would not read back as the same.
 * `keyOf` is what only one section may be called: its id, where not given.
 */
export function printSections(
  sections: readonly SectionText[],
  file: string,
  keyOf: (section: SectionText) => string = ({ id }) => id,
): string {
  const seen = new Set<string>();
  for (const section of sections) {
    if (seen.has(keyOf(section))) {
      throw configError(
        file,
        section.line,
        `section '${section.id}' exists twice: remove one of the two by hand first`,
      );
    }
    seen.add(keyOf(section));
  }
  return sections.map((section) => printSection(section, file)).join('\n');
}

function printSection(section: SectionText, file: string): string {
  refuseControlCharacters(section.id, section, file);
  const properties = section.properties.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  for (const { value, line } of properties) if (line === 0) refuseControlCharacters(value, section, file);
  return [`${section.type}: ${section.id}\n`, ...properties.map(({ key, value }) => `\t${key} ${value}\n`)].join('');
}

function refuseControlCharacters(text: string, section: SectionText, file: string): void {
  if (!CONTROL_CHARACTERS.test(text)) return;
  throw new FerriteError(
    'usage',
    'control-character',
    `${file}: section '${section.id}': ${JSON.stringify(text)} contains control characters`,
  );
}
