// The web process of `make run`; `make web` sets its port.
export default {
  '/api': { target: `http://localhost:${process.env.API_PORT ?? 8000}`, changeOrigin: false, ws: true },
};
