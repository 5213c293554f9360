// The web process of `make run`. Its port is 8000 unless PORT says otherwise.
export default {
  '/api': { target: `http://localhost:${process.env.PORT ?? 8000}`, changeOrigin: false, ws: true },
};
