/** Properties of backup jobs as options. */
import { jobId } from '../../../config/identifiers.ts';
import { groupFilter, jobSection } from '../../../config/job_section.ts';
import { annotate, optional } from '../../grammar/parameter.ts';
import { exportMediaSet, groupFilters } from '../../parameters.ts';

const { drive, pool, store, ...rest } = jobSection.schema.properties;
const { id: _, 'export-media-set': __, 'group-filter': ___, ...plain } = rest;

export const jobPositional = annotate(jobId, { completion: 'job' });

/** What every job has. */
export const jobParts = {
  drive: annotate(drive, { completion: 'drive' }),
  pool: annotate(pool, { completion: 'pool' }),
  store: annotate(store, { completion: 'store' }),
};

export const optionalJobParts = {
  drive: optional(drive, { completion: 'drive' }),
  pool: optional(pool, { completion: 'pool' }),
  store: optional(store, { completion: 'store' }),
};

export const jobOptions = {
  ...plain,
  schedule: annotate(plain.schedule, { completion: 'schedule' }),
  'export-media-set': exportMediaSet,
  'group-filter': groupFilters(groupFilter),
};
