// better-auth with PostgreSQL under Node's own HTTP server, as its documentation mounts it: all settings are the
// package's defaults, but for the rate limits, which are off for all compared servers. Run with DATABASE_URL,
// SECRET_KEY, PUBLIC_URL and PORT, with NODE_ENV=production.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

const { DATABASE_URL, SECRET_KEY, PUBLIC_URL, PORT } = process.env;
const auth = betterAuth({
  database: new pg.Pool({ connectionString: DATABASE_URL }),
  secret: SECRET_KEY,
  baseURL: PUBLIC_URL,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
});
await (await getMigrations(auth.options)).runMigrations();
createServer(toNodeHandler(auth)).listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
