/** Sections of ferrite.cfg, the file beside PBS's for what PBS has no property for. */
import { contactSection, notifySection } from './notify_sections.ts';
import { ferritePoolSection } from './pool_sections.ts';

export const ferriteSectionTypes = [ferritePoolSection, notifySection, contactSection] as const;
