export default {
  input: process.env.OPENAPI,
  output: 'api',
  plugins: ['@hey-api/client-angular', '@angular/common'],
};
