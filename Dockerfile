# The package as a container: built with all tools, run with the dependencies of package.json
# alone, as a user without rights.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/setup.mjs build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The image's own user; it owns nothing below /app.
USER node
# Links between nodes. The admin port, 7401, listens inside the container only.
EXPOSE 7400
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "dist/cli/main.js", "status", "--url", "http://127.0.0.1:7401"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["--help"]
