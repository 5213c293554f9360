"""The microkernel: everything that knows no feature. Each file imports only those above it: settings, errors,
telemetry, database, sql, cache, mail, auth, passwords, context, tasks, events, limits, decoding, routing, feature,
openapi, cors, static."""
