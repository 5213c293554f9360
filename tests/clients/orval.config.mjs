export default {
  api: {
    input: { target: process.env.OPENAPI },
    output: {
      target: 'api/api.ts',
      schemas: 'api/model',
      client: 'angular',
      mode: 'tags-split',
      baseUrl: { getBaseUrlFromSpecification: true },
    },
  },
};
