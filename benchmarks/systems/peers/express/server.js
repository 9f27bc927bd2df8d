// A chat BFF as a Node team would build it from common libraries: one file, the defaults that their documentation
// recommends for production, the same features as chat-bff's JSON endpoint except history.
import { createHmac, randomUUID } from "node:crypto";
import axios from "axios";
import axiosRetry from "axios-retry";
import cookieParser from "cookie-parser";
import cors from "cors";
import express from "express";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import http from "node:http";
import { Redis } from "ioredis";
import jwt from "jsonwebtoken";
import CircuitBreaker from "opossum";
import pino from "pino";
import pinoHttp from "pino-http";
import prometheus from "prom-client";
import { RedisStore } from "rate-limit-redis";
import { z } from "zod";

const { PORT, REDIS_URL, AI_SERVICE_URL, SECRET_KEY } = process.env;
const CACHE_SECONDS = 24 * 60 * 60;
const HELP = "Je ne peux pas répondre pour l'instant. Merci de réessayer dans une minute.";

const redis = new Redis(REDIS_URL);
const log = pino({ redact: ["req.headers.authorization", "req.headers.cookie"] });

const duration = new prometheus.Histogram({
  name: "bff_http_request_duration_seconds", help: "Time to answer.", labelNames: ["endpoint", "method", "status"],
});
const answers = new prometheus.Counter({ name: "bff_answers_total", help: "Answers.", labelNames: ["origin"] });
prometheus.collectDefaultMetrics();

const ai = axios.create({
  baseURL: AI_SERVICE_URL, timeout: 30_000, httpAgent: new http.Agent({ keepAlive: true, maxSockets: 100 }),
});
axiosRetry(ai, {
  retries: 2,
  retryDelay: axiosRetry.exponentialDelay,
  retryCondition: (error) => !error.response || [408, 425, 429, 500, 502, 503, 504].includes(error.response.status),
});

async function complete(message, correlationId) {
  const { data } = await ai.post(
    "/plain/v1/chat/completions",
    { model: "bench", messages: [{ role: "system", content: "Réponds avec douceur." }, { role: "user", content: message }] },
    { headers: { "X-Correlation-ID": correlationId, "Idempotency-Key": randomUUID() } },
  );
  return data.choices[0].message.content;
}
const breaker = new CircuitBreaker(complete, {
  timeout: 30_000, errorThresholdPercentage: 50, volumeThreshold: 5, resetTimeout: 60_000, rollingCountTimeout: 60_000,
});

const Body = z.object({
  message: z.string().trim().min(1).max(4000),
  conversationId: z.string().max(64).optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});

const app = express();
app.disable("x-powered-by");
app.set("trust proxy", 1);
app.use((req, res, next) => {
  const given = req.get("X-Correlation-ID") ?? "";
  req.id = /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : `req-${randomUUID()}`;
  res.set("X-Correlation-ID", req.id);
  const end = duration.startTimer();
  res.on("finish", () => end({ endpoint: req.route?.path ?? "unknown", method: req.method, status: res.statusCode }));
  next();
});
app.use(pinoHttp({ logger: log, genReqId: (req) => req.id }));
app.use(helmet());
app.use(cors({ origin: [] }));
app.use(cookieParser(SECRET_KEY));
app.use((req, res, next) => {
  const token = req.get("Authorization")?.replace(/^Bearer /, "");
  if (token) {
    req.caller = jwt.verify(token, SECRET_KEY, { algorithms: ["HS256"], audience: "authenticated" }).sub;
  } else {
    req.caller = req.signedCookies.visitor || randomUUID();
    if (!req.signedCookies.visitor) {
      res.cookie("visitor", req.caller, { httpOnly: true, sameSite: "lax", secure: true, signed: true });
    }
  }
  next();
});
app.use("/api/", rateLimit({
  windowMs: 60_000, limit: 1_000_000, standardHeaders: "draft-8", legacyHeaders: false,
  keyGenerator: (req) => req.caller,
  store: new RedisStore({ sendCommand: (...args) => redis.call(...args) }),
}));
app.use(express.json({ limit: "512kb" }));

app.post("/api/chat/message", async (req, res) => {
  const body = Body.safeParse(req.body);
  if (!body.success) return res.status(422).type("application/problem+json").json({ title: "Invalid", status: 422 });
  const { message, conversationId = randomUUID() } = body.data;
  const key = `answer:${createHmac("sha256", SECRET_KEY).update(message.toLowerCase()).digest("hex")}`;
  let origin = "cache";
  let response = await redis.get(key);
  if (response === null) {
    try {
      response = await breaker.fire(message, req.id);
      origin = "ai";
      await redis.set(key, response, "EX", CACHE_SECONDS);
    } catch (error) {
      req.log.warn({ code: error.code }, "AI unavailable");
      [response, origin] = [HELP, "fallback"];
    }
  }
  answers.inc({ origin });
  res.set("X-Cache", origin === "cache" ? "HIT" : "MISS");
  res.json({
    response, conversationId, messageId: randomUUID(), timestamp: new Date().toISOString(), origin,
    sources: [], suggestions: [], degraded: origin === "fallback" ? { reason: "ai_error" } : null, saved: false,
  });
});
app.get("/healthz", (req, res) => res.json({ status: "healthy" }));
app.get("/metrics", async (req, res) => res.type("text").send(await prometheus.register.metrics()));

app.listen(PORT, "127.0.0.1");
