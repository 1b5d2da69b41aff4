-- Creates the extension.
CREATE EXTENSION IF NOT EXISTS safedeploy
