/** Which tape a command is about. */
import { mediaLabel, mediaUuid } from '../../../config/identifiers.ts';
import { optional } from '../../grammar/parameter.ts';

export const tapePositional = optional(mediaLabel, { completion: 'label-text' });
export const tapeByUuid = optional(mediaUuid, {
  description: 'The tape by its UUID instead of its label, where several have the same.',
  completion: 'media',
});
