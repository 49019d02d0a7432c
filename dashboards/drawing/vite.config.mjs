import { defineConfig } from 'vite';
export default defineConfig({ build: { minify: false, target: 'es2022', rolldownOptions: { shimMissingExports: true } }, define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' } });
