// Tests are compiled by tsc with the sources (dist/tests): no loader stands between a test and the code it tests.
export default {
  files: ['dist/tests/**/*.test.js'],
  workerThreads: false,
  timeout: '120s',
};
