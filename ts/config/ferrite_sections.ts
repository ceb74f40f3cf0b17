/** Sections of ferrite.cfg, the file beside PBS's for what PBS has no property for. */
import { ferritePoolSection } from './pool_sections.ts';

export const ferriteSectionTypes = [ferritePoolSection] as const;
