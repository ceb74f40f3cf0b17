/** Properties of notification targets as options. */
import { notifySection, targetName } from '../../../config/notify_sections.ts';
import { annotate } from '../../grammar/parameter.ts';

const { name: _, type: __, ...properties } = notifySection.schema.properties;

export const targetOptions = {
  ...properties,
  from: annotate(properties.from, { description: 'Address that mail comes from; by default root at this host.' }),
};
export const targetType = notifySection.schema.properties.type;
export const targetPositional = annotate(targetName, { completion: 'notification' });
