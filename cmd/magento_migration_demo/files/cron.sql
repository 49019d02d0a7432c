INSERT INTO cron_schedule (job_code, status, created_at, scheduled_at, executed_at, finished_at)
VALUES ('indexer_reindex_all_invalid', 'success', UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP());
