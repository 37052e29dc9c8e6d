"""rbmqs/estimators"""
