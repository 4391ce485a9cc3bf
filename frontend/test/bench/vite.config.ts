import { defineConfig, mergeConfig } from 'vite'
import config from '../../vite.config'

/** The page of the bench, made as the app is; it needs no service worker. */
export default mergeConfig(
  { ...config, plugins: [] },
  defineConfig({ base: './', logLevel: 'warn', build: { emptyOutDir: true, rolldownOptions: { input: 'test/bench/index.html' } } }),
)
